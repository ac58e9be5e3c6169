package shipd.first;

import java.io.FilePermission;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.ReflectPermission;
import java.security.AccessControlContext;
import java.security.AccessController;
import java.security.Permission;
import java.security.Policy;
import java.security.PrivilegedActionException;
import java.security.PrivilegedExceptionAction;
import java.security.ProtectionDomain;
import java.util.PropertyPermission;
import java.util.Set;

/** What program and tests may do: compute, have threads, print, and have files below /tmp. */
@SuppressWarnings("removal")
final class Warden extends Policy {
    private static final FilePermission FILES = new FilePermission("/tmp/-", "read,write,delete");
    private static final Set<String> MORE =
            Set.of("accessDeclaredMembers", "modifyThread", "modifyThreadGroup", "setContextClassLoader", "setIO");

    private final Set<ProtectionDomain> ours =
            Set.of(domain(Warden.class), domain(org.junit.Test.class), domain(org.hamcrest.Matcher.class));
    private final ProtectionDomain around = new ProtectionDomain(null, null, null, null);
    private final Set<ProtectionDomain> tests;

    private Warden(One test) {
        tests = Set.of(around, domain(test.of));
    }

    private static ProtectionDomain domain(Class<?> of) {
        return of.getProtectionDomain();
    }

    /** Runs the test; from here on there is a guard. */
    static String guarding(One test) throws Exception {
        Warden warden = new Warden(test);
        AccessControlContext context = new AccessControlContext(new ProtectionDomain[] {warden.around});
        Policy.setPolicy(warden);
        inSilence(() -> System.setSecurityManager(new SecurityManager()));
        try {
            return AccessController.doPrivileged((PrivilegedExceptionAction<String>) test::run, context);
        } catch (PrivilegedActionException error) {
            return String.valueOf(error.getException());
        } catch (Throwable error) { // of the program, which was asked what its exception says
            return error.getClass().getName();
        }
    }

    /** Java warns of its guard's age on every start, on a stream that only it knows. */
    private static void inSilence(Runnable action) throws IllegalAccessException {
        try {
            Field stream = System.class.getDeclaredField("initialErrStream");
            stream.setAccessible(true);
            Object before = stream.get(null);
            stream.set(null, new PrintStream(OutputStream.nullOutputStream()));
            action.run();
            stream.set(null, before);
        } catch (NoSuchFieldException elsewhere) {
            action.run();
        }
    }

    @Override
    public boolean implies(ProtectionDomain domain, Permission permission) {
        if (ours.contains(domain)) {
            return true;
        }
        if (permission instanceof ReflectPermission) {
            return tests.contains(domain);
        }
        if (permission instanceof FilePermission) {
            return FILES.implies(permission);
        }
        if (permission instanceof PropertyPermission) {
            return permission.getActions().equals("read");
        }
        return permission instanceof RuntimePermission && MORE.contains(permission.getName());
    }
}
