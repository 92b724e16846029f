/* paracrine init, completion, man. */
#include "cli_int.h"

#include "paracrine/trial.h"

#include <string.h>

prc_status cmd_init(const cli_options *o, prc_error *err) {
    char *data = NULL, *text = NULL;
    prc_condition *c = NULL;
    prc_status st;
    PRC_GO(st, prc_data_dir(o->data, &data, err));
    PRC_GO(st, prc_condition_load(data, o->arg[0], &c, err));
    PRC_GO(st, prc_trial_template(c, &text, err));
    if (o->output) {
        FILE *there = fopen(o->output, "rb");
        if (there) {
            fclose(there);
            st = prc_fail(err, PRC_E_EXISTS, "%s is already there: choose another name or remove it", o->output);
            goto out;
        }
        st = prc_file_write(o->output, text, strlen(text), err);
    } else {
        prc_text t = {0};
        prc_text_add(&t, text);
        st = cli_print(&t, err);
    }
out:
    prc_free(text);
    prc_condition_free(c);
    prc_free(data);
    return st;
}

prc_status cmd_completion(const cli_options *o, prc_error *err) {
    prc_text t = {0};
    (void)o;
    cli_completion(&t);
    return cli_print(&t, err);
}

prc_status cmd_man(const cli_options *o, prc_error *err) {
    prc_text t = {0};
    (void)o;
    cli_man(&t);
    return cli_print(&t, err);
}
