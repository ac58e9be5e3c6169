package second;

import java.util.Scanner;

public class Run {
    public static void main(String[] args) {
        System.out.println(new Scanner(System.in).useDelimiter("\\A").next().trim().chars()
            .filter(c -> c != ' ').map(c -> (c - '0') * (c - '0')).sum());
    }
}
