package first;

public class Run {
    public static void main(String[] args) {
        System.out.println("the wrong one");
    }
}
