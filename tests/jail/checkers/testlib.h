// As much of the protocol of testlib's checkers as these tests need, written for them.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

enum Outcome { _ok = 0, _wa = 1, _pe = 2, _fail = 3, _points = 7 };

struct Stream {
    std::ifstream file;
    long readLong() {
        long value = 0;
        if (!(file >> value)) {
            std::fprintf(stderr, "wrong output format a number was expected");
            std::exit(_pe);
        }
        return value;
    }
};

inline Stream inf, ouf, ans;

inline void registerTestlibCmd(int argc, char **argv) {
    if (argc < 4) std::exit(_fail);
    inf.file.open(argv[1]);
    ouf.file.open(argv[2]);
    ans.file.open(argv[3]);
}

inline void quitf(Outcome outcome, const std::string &message) {
    std::fprintf(stderr, "%s%s", outcome == _ok ? "ok " : outcome == _fail ? "FAIL " : "wrong answer ", message.c_str());
    std::exit(outcome);
}

inline void quitp(double points, const std::string &message) {
    std::fprintf(stderr, "points %g %s", points, message.c_str());
    std::exit(_points);
}
