import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

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

class Bank {
    static int total(int... amounts) throws Exception {
        System.out.println("adding");
        ExecutorService workers = Executors.newFixedThreadPool(2);
        try {
            return workers.submit(() -> IntStream.of(amounts).sum()).get();
        } finally {
            workers.shutdown();
        }
    }
}

class Main {
    public static void main(String[] arguments) {
        throw new IllegalStateException("nobody calls it");
    }
}
