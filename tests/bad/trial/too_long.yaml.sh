# Five megabytes are no trial file.
awk 'BEGIN { for (i = 0; i < 500000; i++) print "# 0123456789" ; print "condition: knee-oa" }'
