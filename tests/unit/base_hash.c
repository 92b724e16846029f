#include "../tap.h"

#include "paracrine/base.h"

/* Vectors of FIPS 180-4's example file. */
static void vectors(void)
{
    char out[65];
    prc_sha256_hex("", 0, out);
    TAP_STR(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    prc_sha256_hex("abc", 3, out);
    TAP_STR(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    prc_sha256_hex(NULL, 0, out);
    TAP_STR(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    prc_sha256_hex(two_blocks, strlen(two_blocks), out);
    TAP_STR(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

int main(void)
{
    TAP_RUN(vectors);
    return tap_done();
}
