package dev.tritium.kernel;

/** What a model computes with: its matrix products, its row operations and the pool behind both. */
public record Kernels(TernaryKernels ternary, RowKernels rows, Workers workers) {}
