package app;

import java.util.Scanner;
import lib.Squares;

public class Main {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        long sum = 0;
        while (in.hasNextLong()) sum += Squares.square(in.nextLong());
        System.out.println(sum);
    }
}
