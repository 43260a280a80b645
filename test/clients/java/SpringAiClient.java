package clients;

import static clients.Common.*;

import com.zaxxer.hikari.HikariDataSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.sql.DataSource;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.AbstractEmbeddingModel;
import org.springframework.ai.embedding.Embedding;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.vectorstore.SearchRequest;
import org.springframework.ai.vectorstore.VectorStore;
import org.springframework.ai.vectorstore.filter.FilterExpressionBuilder;
import org.springframework.ai.vectorstore.pgvector.PgVectorStore;
import org.springframework.ai.vectorstore.pgvector.PgVectorStore.PgDistanceType;
import org.springframework.ai.vectorstore.pgvector.PgVectorStore.PgIdType;
import org.springframework.ai.vectorstore.pgvector.PgVectorStore.PgIndexType;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;

/** Spring AI's PgVectorStore, in an application context of Spring. */
final class SpringAiClient {
    @Configuration(proxyBeanMethods = false)
    static class Application {
        @Bean
        DataSource dataSource() {
            HikariDataSource source = new HikariDataSource();
            source.setJdbcUrl(URL);
            source.setUsername(USER);
            source.setPassword(PASSWORD);
            source.setMaximumPoolSize(1);
            source.setConnectionInitSql(
                    "SET hnsw.ef_search = 100; SET ivfflat.probes = 40");
            return source;
        }

        @Bean
        JdbcTemplate jdbcTemplate(DataSource source) {
            return new JdbcTemplate(source);
        }

        @Bean
        EmbeddingModel embeddingModel() {
            return new KnownTexts();
        }

        @Bean
        VectorStore byCosine(JdbcTemplate template, EmbeddingModel model) {
            return PgVectorStore.builder(template, model).initializeSchema(true)
                    .indexType(PgIndexType.HNSW).distanceType(PgDistanceType.COSINE_DISTANCE)
                    .build();
        }

        @Bean
        VectorStore byProduct(JdbcTemplate template, EmbeddingModel model) {
            return PgVectorStore.builder(template, model).initializeSchema(true)
                    .schemaName("lists").vectorTableName("by_product").idType(PgIdType.TEXT)
                    .indexType(PgIndexType.IVFFLAT)
                    .distanceType(PgDistanceType.NEGATIVE_INNER_PRODUCT).build();
        }
    }

    /** A model that has embedded a few texts, and knows no others. */
    static class KnownTexts extends AbstractEmbeddingModel {
        private final Map<String, float[]> known = new HashMap<>();

        KnownTexts() {
            PACKAGES.forEach(p -> known.put(text(p), p.embedding()));
            QUESTIONS.forEach(q -> known.put(q.question(), q.embedding()));
        }

        @Override
        public EmbeddingResponse call(EmbeddingRequest request) {
            List<Embedding> embeddings = new ArrayList<>();
            for (String text : request.getInstructions()) {
                expect(known.containsKey(text), "unknown text: " + text);
                embeddings.add(new Embedding(known.get(text), embeddings.size()));
            }
            return new EmbeddingResponse(embeddings);
        }

        @Override
        public float[] embed(Document document) {
            return embed(getEmbeddingContent(document));
        }

        @Override
        public int dimensions() {
            return 384;
        }
    }

    public static void main(String[] args) throws Exception {
        try (var context = new AnnotationConfigApplicationContext(Application.class)) {
            VectorStore byCosine = context.getBean("byCosine", VectorStore.class);
            VectorStore byProduct = context.getBean("byProduct", VectorStore.class);
            JdbcTemplate template = context.getBean(JdbcTemplate.class);
            List<Document> documents = PACKAGES.stream().map(SpringAiClient::document).toList();
            for (VectorStore store : List.of(byCosine, byProduct)) {
                store.add(documents);
                search(store);
            }
            List<String> deleted = delete(byCosine);
            // Those are missing, the others are replaced.
            byCosine.add(documents.stream().filter(d -> deleted.contains(d.getId())).toList());
            byCosine.add(documents.subList(0, 50));
            search(byCosine);
            for (String table : List.of("vector_store", "lists.by_product")) {
                expectEqual(template.queryForObject("SELECT count(*) FROM " + table, Long.class),
                        (long) documents.size());
            }
            // A second application finds the schema as it should be.
            PgVectorStore.builder(template, context.getBean(EmbeddingModel.class))
                    .vectorTableValidationsEnabled(true).dimensions(384).initializeSchema(true)
                    .build().afterPropertiesSet();
        }
        expectScans("spring_ai_vector_index", QUESTIONS.size());
        expectScans("by_product_index", QUESTIONS.size());
        done("PgVectorStore: schema, HNSW and IVFFLAT, cosine and inner product, add, filter"
                + " expressions, delete", "spring-ai-pgvector-store", "spring-jdbc", "HikariCP",
                "postgresql", "pgvector");
    }

    private static String text(Item p) {
        return p.name() + ": " + p.summary();
    }

    private static String id(long number) {
        return new UUID(0, number).toString();
    }

    private static Document document(Item p) {
        return new Document(id(p.id()), text(p),
                Map.of("section", p.section(), "size", p.size(), "package", p.name()));
    }

    private static List<Long> ids(List<Document> documents) {
        return documents.stream()
                .map(d -> UUID.fromString(d.getId()).getLeastSignificantBits()).toList();
    }

    private static void search(VectorStore store) {
        Recall recall = new Recall();
        Recall filtered = new Recall();
        for (Question q : QUESTIONS) {
            List<Document> found = store.similaritySearch(
                    SearchRequest.builder().query(q.question()).topK(10).build());
            recall.add(ids(found), q.nearest());
            Document first = found.get(0);
            Item right = PACKAGES.get((int) (long) ids(found).get(0) - 1);
            expectEqual(first.getText(), text(right));
            expectEqual(first.getMetadata().get("package"), right.name());
            expectNear(first.getScore(), similarity(right.embedding(), q.embedding()), 1e-5);

            String filter = "section == '%s' && size < %s".formatted(q.section(), q.below());
            found = store.similaritySearch(SearchRequest.builder().query(q.question()).topK(10)
                    .filterExpression(filter).build());
            filtered.add(ids(found), q.nearestFiltered());

            double threshold = first.getScore() - 0.1;
            found = store.similaritySearch(SearchRequest.builder().query(q.question()).topK(10)
                    .similarityThreshold(threshold).build());
            expect(!found.isEmpty(), "nothing is similar");
            expect(found.stream().allMatch(d -> d.getScore() >= threshold), found.toString());
        }
        recall.check();
        filtered.check();
    }

    private static double similarity(float[] a, float[] b) {
        double product = 0;
        for (int i = 0; i < a.length; i++) {
            product += (double) a[i] * b[i];
        }
        return product;
    }

    private static List<String> delete(VectorStore store) {
        Question q = QUESTIONS.get(0);
        SearchRequest request = SearchRequest.builder().query(q.question()).topK(10).build();
        String nearest = store.similaritySearch(request).get(0).getId();
        store.delete(List.of(nearest));
        List<Document> found = store.similaritySearch(request);
        expectEqual(found.size(), 10);
        expect(found.stream().noneMatch(d -> d.getId().equals(nearest)), found.toString());

        store.delete("section == '" + q.section() + "'");
        found = store.similaritySearch(request);
        expectEqual(found.size(), 10);
        expect(found.stream().noneMatch(d -> q.section().equals(d.getMetadata().get("section"))),
                found.toString());
        var filter = new FilterExpressionBuilder().eq("section", q.section()).build();
        found = store.similaritySearch(
                SearchRequest.from(request).filterExpression(filter).build());
        expectEqual(found.size(), 0);
        return PACKAGES.stream().filter(p -> p.section().equals(q.section())
                || id(p.id()).equals(nearest)).map(p -> id(p.id())).toList();
    }
}
