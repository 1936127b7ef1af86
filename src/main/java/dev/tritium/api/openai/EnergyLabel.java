package dev.tritium.api.openai;

/**
 * What the joules in answers rest on.
 *
 * @param source of the figures, such as {@code rapl}
 * @param quality {@code measured} or {@code estimated}
 */
public record EnergyLabel(String source, String quality) {}
