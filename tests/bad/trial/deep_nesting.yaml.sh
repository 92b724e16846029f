# Lists within lists, ten thousand deep.
awk 'BEGIN { printf "condition: knee-oa\narms: "; for (i = 0; i < 10000; i++) printf "["; for (i = 0; i < 10000; i++) printf "]"; print "" }'
