import java.util.Scanner;
import java.util.TreeMap;

public class Main {
    public static void main(String[] args) {
        var counts = new TreeMap<String, Integer>();
        var words = new Scanner(System.in);
        while (words.hasNext()) {
            counts.merge(words.next(), 1, Integer::sum);
        }
        counts.forEach((word, count) -> System.out.println(word + " " + count));
    }
}
