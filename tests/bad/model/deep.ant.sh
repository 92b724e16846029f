# Ten thousand brackets.
awk 'BEGIN { printf "model m()\n  x = 1;\n  x'\'' = -"; for (i = 0; i < 10000; i++) printf "("; printf "x"; for (i = 0; i < 10000; i++) printf ")"; print ";\nend" }'
