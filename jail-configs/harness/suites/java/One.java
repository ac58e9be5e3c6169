package shipd.first;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.runner.Description;
import org.junit.runner.JUnitCore;
import org.junit.runner.Request;
import org.junit.runner.Result;
import org.junit.runner.manipulation.Filter;
import org.junit.runner.manipulation.NoTestsRemainException;
import org.junit.runner.notification.Failure;
import org.junit.runners.BlockJUnit4ClassRunner;
import org.junit.runners.model.FrameworkMethod;
import org.junit.runners.model.InitializationError;
import org.junit.runners.model.Statement;

/** One test method of a class, which is loaded here and not yet initialised. */
final class One {
    final Class<?> of;
    private final String name;
    private boolean returned;

    private One(Class<?> of, String name) {
        this.of = of;
        this.name = name;
    }

    static One of(String test, Path tests) throws ClassNotFoundException, IOException {
        loadAll(tests);
        int dot = test.lastIndexOf('.');
        return new One(loaded(test.substring(0, dot)), test.substring(dot + 1));
    }

    /** Has all classes of the tests loaded, so that the program can define none in a test's place. */
    private static void loadAll(Path tests) throws ClassNotFoundException, IOException {
        try (Stream<Path> found = Files.walk(tests)) {
            for (Path path : (Iterable<Path>) found::iterator) {
                String name = tests.relativize(path).toString();
                if (name.endsWith(".class")) {
                    loaded(name.substring(0, name.length() - 6).replace('/', '.'));
                }
            }
        }
    }

    private static Class<?> loaded(String name) throws ClassNotFoundException {
        return Class.forName(name, false, One.class.getClassLoader());
    }

    /** Runs it with all that JUnit does around it. Gives what is wrong; null: it has passed. */
    String run() throws InitializationError, NoTestsRemainException {
        Watched watched = new Watched();
        watched.filter(Filter.matchMethodDescription(Description.createTestDescription(of, name)));
        Result result = new JUnitCore().run(Request.runner(watched));
        for (Failure failure : result.getFailures()) {
            System.err.println(failure.getTrace());
            return String.valueOf(failure.getException());
        }
        if (result.getIgnoreCount() > 0 || result.getAssumptionFailureCount() > 0) {
            return "the test was skipped";
        }
        return returned ? null : "the test did not return";
    }

    private final class Watched extends BlockJUnit4ClassRunner {
        Watched() throws InitializationError {
            super(of);
        }

        @Override
        protected Statement methodBlock(FrameworkMethod method) {
            Statement whole = super.methodBlock(method);
            return new Statement() {
                @Override
                public void evaluate() throws Throwable {
                    whole.evaluate();
                    returned = true;
                }
            };
        }
    }
}
