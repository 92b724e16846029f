# One line of three megabytes with the slip at its end.
awk 'BEGIN { printf "model m()\n  x = 1;\n  x'\'' = -x"; for (i = 0; i < 300000; i++) printf " + 0.001*x"; print " + y;\nend" }'
