package shipd.first;

import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Runs one test method of those that it stands beside, and says on standard output that it has passed. */
public final class First {
    private static final int MOST_SAID = 4000;

    private First() {}

    /** Takes what the program is not to read, the token, before any class of the program is there. */
    public static void main(String[] none) throws Exception {
        FileInputStream in = new FileInputStream(FileDescriptor.in);
        FileOutputStream out = new FileOutputStream(FileDescriptor.out);
        String name = line(in);
        String token = line(in);
        System.setOut(System.err);
        String fault = Warden.guarding(One.of(name, Path.of("classes/tests")));
        String said = fault == null ? " passed\n" : " failed " + oneLine(fault) + "\n";
        out.write(("\n" + token + said).getBytes(StandardCharsets.UTF_8));
        if (fault != null) {
            in.transferTo(OutputStream.nullOutputStream()); // who judges makes an end at once
        }
        Runtime.getRuntime().halt(fault == null ? 0 : 1);
    }

    private static String oneLine(String text) {
        return text.substring(0, Math.min(text.length(), MOST_SAID)).replaceAll("\\R", " ");
    }

    private static String line(FileInputStream from) throws IOException {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        for (int one = from.read(); one != '\n'; one = from.read()) {
            if (one < 0) {
                throw new IOException("no line");
            }
            whole.write(one);
        }
        return whole.toString(StandardCharsets.UTF_8);
    }
}
