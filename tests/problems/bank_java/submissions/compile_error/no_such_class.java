class Account {
    private int money;

    Account(int money) {
        this.money = money;
    }

    int money() {
        return money;
    }

    void pay(int amount) {
        if (amount > money) {
            throw new IllegalArgumentException("too much");
        }
        money -= amount;
    }
}
