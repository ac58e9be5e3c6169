package a.b;

/** A program in a package, of two classes. */
public class Foo extends Base {
    public static class Inner {
        public static void main(String[] words) {
            System.out.println(new Foo().name() + new Inner().getClass().getName());
        }
    }
}

class Base {
    String name() {
        return getClass().getName() + " ";
    }
}
