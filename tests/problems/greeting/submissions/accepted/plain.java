import java.util.Scanner;

public class Main {
    static final String GRÜSSE = "Grüß dich, ";

    public static void main(String[] args) {
        String name = new Scanner(System.in).nextLine();
        if (name.codePointCount(0, name.length()) != 7) throw new IllegalStateException("not UTF-8");
        System.out.println(GRÜSSE + name + "! " + args[0]);
    }
}
