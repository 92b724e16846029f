/* manifest.json: what went in, so that the same can go in again. */
#include "report_int.h"

#include <math.h>
#include <string.h>

static void set_input(prc_json *list, const char *path, const char *sha256)
{
    prc_json *o = prc_json_set(list, NULL, prc_json_object());
    prc_json_set_text(o, "path", path);
    prc_json_set_text(o, "sha256", sha256);
}

prc_status prc_report_manifest(const prc_report_input *in, char **out, prc_error *err)
{
    if (!in->trial || !in->trial->spec) return prc_fail(err, PRC_E_VALUE, "there is no trial to describe");
    const prc_trial_spec *s = in->trial->spec;
    const prc_engine *e = in->trial->engine;
    prc_json *root = prc_json_object();
    if (!root) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    const char *slash = strrchr(s->path ? s->path : "", '/');
    prc_json_set_text(root, "schema", "paracrine/manifest/1");
    prc_json_set_text(root, "version", in->version);
    prc_json_set_int(root, "results_version", 1);
    prc_json_set_text(root, "research_use", PRC_RESEARCH_USE);
    prc_json_set_text(root, "command", in->command);
    prc_json_set_int(root, "seed", (int64_t)s->seed);
    prc_json *t = prc_json_set(root, "tolerances", prc_json_object());
    prc_json_set_number(t, "rtol", e ? e->options.rtol : (double)NAN);
    prc_json_set_number(t, "atol", e ? e->options.atol : (double)NAN);
    prc_json *list = prc_json_set(root, "inputs", prc_json_array());
    set_input(list, slash ? slash + 1 : s->path, s->sha256);
    for (size_t i = 0; i < s->condition->n_file; i++) set_input(list, prc_input_path(s->condition->file[i].path), s->condition->file[i].sha256);
    if (in->checks && in->checks->path) set_input(list, prc_input_path(in->checks->path), in->checks->sha256);
    const char *path, *sha256;
    for (size_t i = 0; in->evidence && (path = prc_evidence_file(in->evidence, i, &sha256)); i++) set_input(list, prc_input_path(path), sha256);
    prc_status st = prc_json_text(root, out, err);
    prc_json_free(root);
    return st;
}
