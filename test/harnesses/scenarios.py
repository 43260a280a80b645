"""What the two programs here run, one test each.

    scenarios.py     print the names

The names have to be known before anything is installed, so this file needs
nothing but Python.
"""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class VectorDBBench:
    """One configuration of VectorDBBench's client for pgvector."""

    name: str
    index: str                  # the access method: hnsw or ivfflat
    metric: str                 # a name of VectorDBBench's MetricType
    table: str = "none"         # what the column holds: none is vector
    quantization: str = "none"  # what the index holds
    reranking: bool = False
    labels: bool = True         # with the column that the label filters need
    config: dict = field(default_factory=dict)  # other parameters


@dataclass(frozen=True)
class AnnBenchmarks:
    """One run of ann-benchmarks' module for pgvector."""

    name: str
    metric: str                 # angular or euclidean
    m: int


def vectordbbench():
    for index in ("hnsw", "ivfflat"):
        def case(what, metric, index=index, **more):
            return VectorDBBench(f"vectordbbench-{index}-{what}", index, metric, **more)

        for metric in ("L2", "IP", "COSINE"):
            end = metric.lower()
            # The cases without a filter have a table without labels.
            yield case(f"vector-{end}", metric, labels=metric != "L2")
            yield case(f"halfvec-index-{end}", metric, quantization="halfvec")
            yield case(f"bit-index-rerank-{end}", metric, quantization="bit", reranking=True)
        yield case("bit-index", "COSINE", quantization="bit")
        yield case("halfvec-table", "COSINE", table="halfvec")
        yield case("halfvec-both", "COSINE", table="halfvec", quantization="halfvec")
        yield case("halfvec-table-bit-index", "COSINE", table="halfvec",
                   quantization="bit", reranking=True)
        yield case("bit-both", "COSINE", table="bit")
        yield case("parallel-build", "COSINE", config={
            "maintenance_work_mem": "64MB", "max_parallel_workers": 2})
    yield VectorDBBench("vectordbbench-hnsw-index-first", "hnsw", "COSINE", config={
        "create_index_before_load": True, "create_index_after_load": False})


def ann_benchmarks():
    for metric in ("angular", "euclidean"):
        for m in (16, 24):
            yield AnnBenchmarks(f"ann-benchmarks-{metric}-m{m}", metric, m)


if __name__ == "__main__":
    for scenario in (*vectordbbench(), *ann_benchmarks()):
        print(scenario.name)
