import java.util.Scanner;

/** Answers each line of its input at once. */
public class Typed {
    public static void main(String[] words) {
        Scanner lines = new Scanner(System.in);
        System.out.println("?");
        while (lines.hasNextLine())
            System.out.println("got " + lines.nextLine());
    }
}
