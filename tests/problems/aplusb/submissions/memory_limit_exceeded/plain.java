import java.util.ArrayList;
import java.util.List;

public class Main {
    public static void main(String[] args) {
        List<int[]> blocks = new ArrayList<>();
        while (true) {
            int[] block = new int[100_000];
            java.util.Arrays.fill(block, 7);
            blocks.add(block);
        }
    }
}
