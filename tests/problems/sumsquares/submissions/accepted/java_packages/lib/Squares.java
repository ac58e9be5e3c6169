package lib;

public final class Squares {
    private Squares() {}

    public static long square(long n) {
        return n * n;
    }
}
