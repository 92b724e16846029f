# One line of three megabytes with an unknown key at its end.
awk 'BEGIN { printf "{ condition: knee-oa, title: \""; for (i = 0; i < 300000; i++) printf "0123456789"; print "\", endpionts: {} }" }'
