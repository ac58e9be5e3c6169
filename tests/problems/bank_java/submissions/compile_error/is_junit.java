package org.junit;

class Assert {
    static void assertEquals(long expected, long actual) {}
}
