/* fuzz_arm.c: any bytes as an arm of a trial on the knee condition: no crash, and an error that says something. Runs from the top of the tree. */
#include "paracrine/therapy.h"

#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static prc_condition *knee;
    prc_error err = {0};
    if (!knee && prc_condition_load(".", "knee-oa", &knee, &err) != PRC_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    char *text = malloc(size + 1);
    prc_arms *arms = NULL;
    if (!text) abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (prc_arm_parse(knee, text, "fuzz", 1, &arms, &err) != PRC_OK) {
        if (arms || err.message[0] == '\0') abort();
    } else {
        prc_arm vehicle;
        if (prc_arm_vehicle(arms, &arms->arm[0], &vehicle, &err) == PRC_OK && vehicle.active) abort();
    }
    prc_arms_free(arms);
    free(text);
    return 0;
}
