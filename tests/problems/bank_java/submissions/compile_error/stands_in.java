class Account {
    Account(int money) {}

    int money() {
        return 0;
    }

    void pay(int amount) {}
}

class Bank {
    static int total(int... amounts) {
        return 0;
    }
}

class Assert {
    static void assertEquals(long expected, long actual) {}
}
