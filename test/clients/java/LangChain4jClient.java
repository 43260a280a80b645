package clients;

import static clients.Common.*;
import static dev.langchain4j.store.embedding.filter.MetadataFilterBuilder.metadataKey;

import com.zaxxer.hikari.HikariDataSource;
import dev.langchain4j.data.document.Metadata;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.store.embedding.EmbeddingMatch;
import dev.langchain4j.store.embedding.EmbeddingSearchRequest;
import dev.langchain4j.store.embedding.EmbeddingStore;
import dev.langchain4j.store.embedding.filter.Filter;
import dev.langchain4j.store.embedding.pgvector.DefaultMetadataStorageConfig;
import dev.langchain4j.store.embedding.pgvector.MetadataStorageMode;
import dev.langchain4j.store.embedding.pgvector.PgVectorEmbeddingStore;
import dev.langchain4j.store.embedding.pgvector.PgVectorEmbeddingStore.SearchMode;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** LangChain4j's PgVectorEmbeddingStore: metadata as JSON and as columns, hybrid searches. */
final class LangChain4jClient {
    public static void main(String[] args) throws SQLException {
        try (HikariDataSource source = new HikariDataSource()) {
            source.setJdbcUrl(URL);
            source.setUsername(USER);
            source.setPassword(PASSWORD);
            source.setMaximumPoolSize(1);
            source.setConnectionInitSql("SET ivfflat.probes = 40");

            EmbeddingStore<TextSegment> json = PgVectorEmbeddingStore.datasourceBuilder()
                    .datasource(source).table("as_json").dimension(384).useIndex(true)
                    .indexListSize(10).build();
            EmbeddingStore<TextSegment> columns = PgVectorEmbeddingStore.datasourceBuilder()
                    .datasource(source).table("as_columns").dimension(384).useIndex(true)
                    .indexListSize(10).searchMode(SearchMode.HYBRID).textSearchConfig("english")
                    .metadataStorageConfig(DefaultMetadataStorageConfig.builder()
                            .storageMode(MetadataStorageMode.COLUMN_PER_KEY)
                            .columnDefinitions(List.of("section text", "size int"))
                            .indexes(List.of("section")).indexType("btree").build())
                    .build();
            for (EmbeddingStore<TextSegment> store : List.of(json, columns)) {
                store.addAll(PACKAGES.stream().map(p -> id(p.id())).toList(),
                        PACKAGES.stream().map(p -> Embedding.from(p.embedding())).toList(),
                        PACKAGES.stream().map(LangChain4jClient::segment).toList());
            }
            search(json);
            searchHybrid(columns);
            remove(json);
        }
        // A second application finds the table, and searches by distance alone.
        EmbeddingStore<TextSegment> columns = PgVectorEmbeddingStore.builder().host(HOST).port(PORT)
                .user(USER).password(PASSWORD).database(DATABASE).table("as_columns")
                .dimension(384).metadataStorageConfig(DefaultMetadataStorageConfig.builder()
                        .storageMode(MetadataStorageMode.COLUMN_PER_KEY)
                        .columnDefinitions(List.of("section text", "size int")).build())
                .build();
        expectEqual(matches(columns, QUESTIONS.get(0), null).size(), 10);
        expectScans("as_json_ivfflat_index", QUESTIONS.size());
        expectScans("as_columns_ivfflat_index", QUESTIONS.size());
        done("PgVectorEmbeddingStore: metadata as JSON and in columns, index, filters, hybrid"
                + " searches, removal", "langchain4j-pgvector", "postgresql", "pgvector");
    }

    private static String id(long number) {
        return new UUID(0, number).toString();
    }

    private static TextSegment segment(Item p) {
        return TextSegment.from(p.name() + ": " + p.summary(),
                Metadata.from(Map.of("section", p.section(), "size", p.size())));
    }

    private static List<EmbeddingMatch<TextSegment>> matches(EmbeddingStore<TextSegment> store,
            Question q, Filter filter) {
        return store.search(EmbeddingSearchRequest.builder()
                .queryEmbedding(Embedding.from(q.embedding())).query(q.question())
                .maxResults(10).filter(filter).build()).matches();
    }

    private static List<Long> ids(List<EmbeddingMatch<TextSegment>> matches) {
        return matches.stream()
                .map(m -> UUID.fromString(m.embeddingId()).getLeastSignificantBits()).toList();
    }

    private static Filter filter(Question q) {
        return metadataKey("section").isEqualTo(q.section())
                .and(metadataKey("size").isLessThan(q.below()));
    }

    private static void search(EmbeddingStore<TextSegment> store) {
        Recall recall = new Recall();
        Recall filtered = new Recall();
        for (Question q : QUESTIONS) {
            List<EmbeddingMatch<TextSegment>> found = matches(store, q, null);
            recall.add(ids(found), q.nearest());
            for (EmbeddingMatch<TextSegment> match : found) {
                Item right = PACKAGES.get(
                        (int) UUID.fromString(match.embeddingId()).getLeastSignificantBits() - 1);
                expectEqual(match.embedded().text(), segment(right).text());
                expectEqual(match.embedded().metadata().getString("section"), right.section());
                expectEqual(match.embedded().metadata().getInteger("size"), right.size());
                expectNear(match.embedding().vector(), right.embedding(), 0);
            }
            filtered.add(ids(matches(store, q, filter(q))), q.nearestFiltered());
        }
        recall.check();
        filtered.check();
    }

    /** A word that only one package has puts it first, wherever its embedding is. */
    private static void searchHybrid(EmbeddingStore<TextSegment> store) {
        for (Question q : QUESTIONS) {
            Item nearest = PACKAGES.get((int) (long) q.nearest().get(0) - 1);
            List<EmbeddingMatch<TextSegment>> found = store.search(EmbeddingSearchRequest.builder()
                    .queryEmbedding(Embedding.from(q.embedding())).query(nearest.name())
                    .maxResults(10).build()).matches();
            expectEqual(found.size(), 10);
            expectEqual(ids(found).get(0), nearest.id());
            found = matches(store, q, filter(q));
            expectEqual(found.size(), q.nearestFiltered().size());
            for (EmbeddingMatch<TextSegment> match : found) {
                expectEqual(match.embedded().metadata().getString("section"), q.section());
                expect(match.embedded().metadata().getInteger("size") < q.below(),
                        match.toString());
            }
        }
    }

    private static void remove(EmbeddingStore<TextSegment> store) {
        Question q = QUESTIONS.get(0);
        String nearest = id(q.nearest().get(0));
        store.removeAll(List.of(nearest));
        List<EmbeddingMatch<TextSegment>> found = matches(store, q, null);
        expectEqual(found.size(), 10);
        expect(found.stream().noneMatch(m -> m.embeddingId().equals(nearest)), found.toString());

        store.removeAll(metadataKey("section").isEqualTo(q.section()));
        expectEqual(matches(store, q, null).size(), 10);
        expectEqual(matches(store, q, filter(q)).size(), 0);

        store.removeAll();
        expectEqual(matches(store, q, null).size(), 0);
    }
}
