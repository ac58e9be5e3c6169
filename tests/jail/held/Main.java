import java.io.File;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Does what the first line of its input says. */
public class Main {
    public static void main(String[] words) throws Exception {
        String[] told = new String(System.in.readAllBytes()).split("\\s+");
        switch (told[0]) {
            case "look" -> look(words, told);
            case "throw" -> throw new IllegalStateException("no");
            case "exit" -> System.exit(7);
            case "halt" -> Runtime.getRuntime().halt(3);
            case "deep" -> {
                try {
                    deep(0);
                } catch (StackOverflowError error) {
                    System.out.println("too deep");
                }
            }
            case "missing" -> new Other();
            case "threads" -> threads();
            case "spin" -> { while (true) { } }
            case "fill" -> fill(Integer.parseInt(told[1]));
            case "talk" -> { while (true) System.out.println("a line that says nothing"); }
            default -> System.out.println("hello " + told[0]);
        }
    }

    /** Everything that a program sees of its own process. */
    private static void look(String[] words, String[] told) throws Exception {
        say("arguments", List.of(words), List.of(told));
        say("properties", new TreeMap<>(System.getProperties()), new TreeMap<>(System.getenv()));
        Runtime runtime = Runtime.getRuntime();
        say("room", runtime.availableProcessors(), runtime.maxMemory(), runtime.totalMemory());
        say("threads", sorted(Thread.getAllStackTraces().keySet().stream().map(one -> one + " " + one.getId() + one.isDaemon())));
        say("native", sorted(Arrays.stream(new File("/proc/self/task").list()).map(one -> own("task/" + one + "/comm"))));
        say("main", Main.class.getProtectionDomain().getCodeSource(), Main.class.getModule(), Main.class.getResource("Main.class"));
        say("stack", Arrays.asList(new Error("here").getStackTrace()));
        say("texts", sorted(Stream.of("cmdline", "environ", "limits", "cgroup", "coredump_filter", "oom_score_adj").map(Main::own)));
        // What differs between any two processes: sizes, places in memory, moments.
        say("status", sorted(own("status").lines().filter(one -> !one.matches("(Vm|Rss|Hugetlb|voluntary|nonvoluntary|Speculation|x86|Mems|Cpus).*"))));
        say("mounts", sorted(own("mountinfo").lines().map(one -> one.substring(one.indexOf('/')))));
        say("mapped", sorted(own("maps").lines().map(one -> one.replaceFirst("(\\S+\\s+){5}", "")).distinct()));
        say("folders", listed("/box"), listed("/box/classes"), listed("/tmp"), listed("/dev/shm"), listed("/proc/self/fd"));
        say("files", status("classes/Main.class", "mode,uid,gid,size,nlink"), status("classes", "mode,uid,gid,nlink"));
        for (int i = 0; i < 3; i++)
            say("descriptor", (Files.readSymbolicLink(Path.of("/proc/self/fd/" + i)) + own("fdinfo/" + i)).replaceAll("\\d{3,}", "N"));
        say("streams", System.in.getClass(), System.out.getClass(), System.console() == null);
        say("language", Charset.defaultCharset(), Locale.getDefault());
    }

    private static void say(String what, Object... seen) {
        System.out.println(what + " " + Arrays.toString(seen));
    }

    private static String own(String name) {
        try {
            return Files.readString(Path.of("/proc/self/" + name));
        } catch (IOException error) {
            return error.toString();
        }
    }

    private static List<String> sorted(Stream<String> lines) {
        return lines.sorted().collect(Collectors.toList());
    }

    private static List<String> listed(String folder) {
        return sorted(Arrays.stream(new File(folder).list()));
    }

    private static Map<String, Object> status(String path, String names) throws IOException {
        return new TreeMap<>(Files.readAttributes(Path.of(path), "unix:" + names));
    }

    private static int deep(int depth) {
        return depth < 0 ? 0 : 1 + deep(depth + 1);
    }

    private static void threads() throws InterruptedException {
        List<Thread> many = new ArrayList<>();
        for (int i = 0; i < 4; i++)
            many.add(new Thread(() -> { synchronized (many) { System.out.println("one"); } }));
        for (Thread thread : many)
            thread.start();
        for (Thread thread : many)
            thread.join();
    }

    private static void fill(int megabytes) {
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < megabytes; i++) {
            byte[] block = new byte[1 << 20];
            Arrays.fill(block, (byte) 1);
            kept.add(block);
        }
        System.out.println(kept.size());
    }
}

/** Is not put into any box. */
class Other { }
