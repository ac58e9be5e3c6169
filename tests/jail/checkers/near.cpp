// A checker of testlib's protocol: full marks for the answer, points for a number near it.
#include "testlib.h"

int main(int argc, char **argv) {
    registerTestlibCmd(argc, argv);
    long expected = ans.readLong(), found = ouf.readLong();
    if (expected < 0) quitf(_fail, "the answer is below nothing");
    if (found == expected) quitf(_ok, "exactly");
    if (std::labs(found - expected) <= 2) quitp(2.5, "nearly");
    quitf(_wa, "far away");
}
