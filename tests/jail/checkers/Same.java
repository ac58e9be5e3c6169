import java.nio.file.Files;
import java.nio.file.Path;

/** A checker of the Kattis protocol: the output is the answer. */
public class Same {
    public static void main(String[] args) throws Exception {
        byte[] answer = Files.readAllBytes(Path.of(args[1]));
        byte[] output = System.in.readAllBytes();
        System.exit(java.util.Arrays.equals(answer, output) ? 42 : 43);
    }
}
