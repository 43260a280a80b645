package clients;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/** What the clients in Java share: what they load and ask, and what is right. */
final class Common {
    record Item(long id, String name, String section, String summary, int size,
            float[] embedding) {}

    record Question(int id, String question, String section, int below, float[] embedding,
            List<Long> nearest, List<Long> nearestFiltered) {}

    static final List<Item> PACKAGES = lines("packages.jsonl", Item.class);
    static final List<Question> QUESTIONS = lines("questions.jsonl", Question.class);

    static final String HOST = System.getenv("PGHOST");
    static final int PORT = Integer.parseInt(System.getenv("PGPORT"));
    static final String DATABASE = System.getenv("PGDATABASE");
    static final String USER = System.getenv("PGUSER");
    static final String PASSWORD = System.getenv("PGPASSWORD");
    static final String URL = "jdbc:postgresql://%s:%s/%s".formatted(HOST, PORT, DATABASE);

    private Common() {}

    private static <T> List<T> lines(String name, Class<T> type) {
        JsonMapper json = JsonMapper.builder()
                .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES).build();
        try (var lines = Files.lines(Path.of(System.getenv("VDB_DATA"), name))) {
            return lines.map(line -> json.readValue(line, type)).toList();
        } catch (IOException e) {
            throw new RuntimeException(e);
        }
    }

    /** How many of the rows that are right were found, over all questions. */
    static final class Recall {
        private int found;
        private int asked;

        void add(List<Long> got, List<Long> right) {
            expect(got.size() == right.size(),
                    "%s rows, not %s: %s".formatted(got.size(), right.size(), got));
            Set<Long> both = new HashSet<>(got);
            both.retainAll(right);
            found += both.size();
            asked += right.size();
        }

        void check() {
            double recall = (double) found / asked;
            expect(recall >= 0.9, "recall " + recall);
        }
    }

    static void expect(boolean right, String what) {
        if (!right) {
            throw new AssertionError(what);
        }
    }

    static void expectEqual(Object got, Object right) {
        expect(right.equals(got), got + ", not " + right);
    }

    static void expectNear(double got, double right, double error) {
        expect(Math.abs(got - right) <= error, got + ", not " + right);
    }

    /** That two vectors are the same but for a share of each element. */
    static void expectNear(float[] got, float[] right, double share) {
        expectEqual(got.length, right.length);
        for (int i = 0; i < got.length; i++) {
            expectNear(got[i], right[i], share * Math.abs(right[i]));
        }
    }

    /** What a half-precision float loses, of an element that is not tiny. */
    static final double HALF = 1.0 / 1024;

    /** That an index was scanned so many times, at least, in sessions that are over. */
    static void expectScans(String index, int times) throws SQLException {
        long scans = 0;
        try (Connection connection = DriverManager.getConnection(URL, USER, PASSWORD);
                PreparedStatement select = connection.prepareStatement(
                        "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = ?")) {
            select.setString(1, index);
            // The server counts a little after a session has gone.
            for (int tries = 0; scans < times && tries < 100; tries++) {
                LockSupport.parkNanos(50_000_000L * Math.min(tries, 1));
                try (ResultSet rows = select.executeQuery()) {
                    expect(rows.next(), "no index " + index);
                    scans = rows.getLong(1);
                }
            }
        }
        expect(scans >= times, "%s scans of %s, not %s".formatted(scans, index, times));
    }

    /** Say what was done, with which jars. */
    static void done(String what, String... names) {
        List<String> jars = Arrays.stream(
                System.getProperty("java.class.path").split(File.pathSeparator))
                .map(path -> new File(path).getName()).toList();
        String versions = Arrays.stream(names).map(name -> name + " " + jars.stream()
                .filter(jar -> jar.matches(name + "-[0-9].*\\.jar")).findFirst().orElseThrow()
                .replace(name + "-", "").replace(".jar", "")).collect(Collectors.joining(", "));
        System.out.println("client: " + versions + ": " + what);
    }
}
