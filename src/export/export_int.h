/* export_int.h: what the files of export share. */
#ifndef PARACRINE_EXPORT_INT_H
#define PARACRINE_EXPORT_INT_H

#include "paracrine/export.h"
#include "paracrine/table.h"

/* Bytes of the longest whole beginning of a UTF-8 text that fits into max. */
size_t prc_export_cut(const char *s, size_t max);

#endif
