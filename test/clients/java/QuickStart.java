import com.pgvector.PGvector;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

final class QuickStart {
    record Item(long id, String category, float[] embedding) {}

    private static final List<Item> ITEMS = List.of(
            new Item(1, "fruit", new float[] {1, 2, 3}),
            new Item(2, "fruit", new float[] {4, 5, 6}),
            new Item(3, "tool", new float[] {1, 1, 1}));

    public static void main(String[] args) throws SQLException {
        // jdbc:postgresql://localhost/app?user=me
        try (Connection connection = DriverManager.getConnection(System.getenv("JDBC_URL"));
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE EXTENSION IF NOT EXISTS vecdb");
            PGvector.registerTypes(connection);
            statement.execute("CREATE TABLE items"
                    + " (id bigint PRIMARY KEY, category text, embedding vector(3))");
            statement.execute("CREATE INDEX ON items"
                    + " USING hnsw (embedding vector_cosine_ops, category)");
            insert(connection);
            search(connection);
        }
    }

    private static void insert(Connection connection) throws SQLException {
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO items VALUES (?, ?, ?)")) {
            for (Item item : ITEMS) {
                insert.setLong(1, item.id());
                insert.setString(2, item.category());
                insert.setObject(3, new PGvector(item.embedding()));
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    private static void search(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT id FROM items WHERE category = ? ORDER BY embedding <=> ? LIMIT 5")) {
            select.setString(1, "fruit");
            select.setObject(2, new PGvector(new float[] {1, 2, 2}));
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    System.out.println(rows.getLong("id"));
                }
            }
        }
    }
}
