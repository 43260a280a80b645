-- What "prisma migrate diff --from-empty" writes of schema.prisma, its index made an hnsw one.

-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateExtension
CREATE EXTENSION IF NOT EXISTS "vector";

-- CreateTable
CREATE TABLE "packages" (
    "id" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "section" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "embedding" vector(384),

    CONSTRAINT "packages_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "nearest" ON "packages" USING hnsw ("embedding" vector_cosine_ops);
