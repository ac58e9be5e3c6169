import java.util.Scanner;

class Numbers {
    static long sumOfSquares(Scanner in) {
        long sum = 0;
        while (in.hasNextLong()) {
            long n = in.nextLong();
            sum += n * n;
        }
        return sum;
    }
}

enum Start {
    HERE;

    public static void main(String... args) {
        System.out.println(Numbers.sumOfSquares(new Scanner(System.in)));
    }
}
