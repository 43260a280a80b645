"""Indexes of every type of vector and every metric, each on a table of its own.

A table has the columns id, turn, tag and v; v is row_TYPE(id, turn) of
world.py.
"""

from world import SETUP

OPERATORS = {"l2": "<->", "ip": "<#>", "cosine": "<=>", "l1": "<+>",
             "hamming": "<~>", "jaccard": "<%>"}

# Name: access method, type, metric, filter columns, options.
KINDS = {
    "hnsw": {
        "vector_l2": ("hnsw", "vector", "l2", ", tag, turn", "m = 8"),
        "vector_cosine": ("hnsw", "vector", "cosine", "", "quantizer = none"),
        "vector_ip": ("hnsw", "vector", "ip", ", tag", "quantizer = sq8"),
        "vector_l1": ("hnsw", "vector", "l1", ", tag", "m = 4"),
        "halfvec_l2": ("hnsw", "halfvec", "l2", "", "quantizer = sq8"),
        "halfvec_ip": ("hnsw", "halfvec", "ip", ", tag", ""),
        "halfvec_cosine": ("hnsw", "halfvec", "cosine", ", tag", ""),
        "halfvec_l1": ("hnsw", "halfvec", "l1", "", ""),
        "int8vec_l2": ("hnsw", "int8vec", "l2", ", tag", "quantizer = none"),
        "int8vec_ip": ("hnsw", "int8vec", "ip", "", ""),
        "int8vec_cosine": ("hnsw", "int8vec", "cosine", ", tag", ""),
        "int8vec_l1": ("hnsw", "int8vec", "l1", "", ""),
        "sparsevec_l2": ("hnsw", "sparsevec", "l2", ", tag", ""),
        "sparsevec_ip": ("hnsw", "sparsevec", "ip", "", ""),
        "sparsevec_cosine": ("hnsw", "sparsevec", "cosine", ", tag", ""),
        "sparsevec_l1": ("hnsw", "sparsevec", "l1", ", tag", ""),
        "bit_hamming": ("hnsw", "bit", "hamming", ", tag", ""),
        "bit_jaccard": ("hnsw", "bit", "jaccard", "", ""),
    },
    "ivf": {
        "vector_l2": ("ivf", "vector", "l2", ", tag, turn", "lists = 5"),
        "vector_cosine": ("ivfflat", "vector", "cosine", ", tag", "lists = 3"),
        "vector_ip": ("ivf", "vector", "ip", ", tag", "quantizer = sq8"),
        "vector_l1": ("ivf", "vector", "l1", ", tag", ""),
        "halfvec_l2": ("ivf", "halfvec", "l2", ", tag", "quantizer = pq"),
        "halfvec_ip": ("ivf", "halfvec", "ip", "", ""),
        "halfvec_cosine": ("ivf", "halfvec", "cosine", ", tag", "quantizer = sq8"),
        "halfvec_l1": ("ivf", "halfvec", "l1", "", ""),
        "int8vec_l2": ("ivf", "int8vec", "l2", ", tag", ""),
        "int8vec_ip": ("ivf", "int8vec", "ip", "", "quantizer = pq"),
        "int8vec_cosine": ("ivf", "int8vec", "cosine", ", tag", ""),
        "int8vec_l1": ("ivfflat", "int8vec", "l1", "", ""),
        "sparsevec_l2": ("ivf", "sparsevec", "l2", ", tag", ""),
        "sparsevec_ip": ("ivf", "sparsevec", "ip", "", ""),
        "sparsevec_cosine": ("ivf", "sparsevec", "cosine", ", tag", ""),
        "sparsevec_l1": ("ivf", "sparsevec", "l1", ", tag", ""),
        "bit_hamming": ("ivf", "bit", "hamming", ", tag", ""),
        "bit_jaccard": ("ivfflat", "bit", "jaccard", "", ""),
    },
}


def metrics(of):
    """All of a type."""
    return ("hamming", "jaccard") if of == "bit" else ("l2", "ip", "cosine", "l1")


class Kind:
    """One of them: the table NAME and the index NAME_v."""

    def __init__(self, method, short, prefix=""):
        self.am, self.type, metric, self.columns, self.options = KINDS[method][short]
        self.name = f"{prefix}{short}"
        self.index = f"{self.name}_v"
        self.operator = OPERATORS[metric]
        self.opclass = f"{self.type}_{metric}_ops"

    def value(self, row, turn=0):
        """The SQL of a row's vector."""
        return f"row_{self.type}({row}, {turn})"

    def create(self, rows):
        """SQL that makes the table, its rows and its index."""
        return (f"CREATE TABLE {self.name} (id int PRIMARY KEY, turn int, tag int,"
                f" v {self.type}(24));"
                f"INSERT INTO {self.name} SELECT i, 0, i % 10, {self.value('i')}"
                f" FROM generate_series(1, {rows}) i;" + self.create_index())

    def create_index(self):
        options = f" WITH ({self.options})" if self.options else ""
        return (f"CREATE INDEX {self.index} ON {self.name}"
                f" USING {self.am} (v {self.opclass}{self.columns}){options};")

    def search(self, row, condition="true", limit="ALL", what="*"):
        """SQL of a search around a row's vector."""
        return (f"SELECT {what} FROM {self.name} WHERE {condition}"
                f" ORDER BY v {self.operator} {self.value(row)} LIMIT {limit}")


def kinds(method, prefix=""):
    """All of a method."""
    return [Kind(method, short, prefix) for short in KINDS[method]]


def set_up(server, some, rows):
    """Make them on a server."""
    server.script(SETUP + "".join(kind.create(rows) for kind in some))
