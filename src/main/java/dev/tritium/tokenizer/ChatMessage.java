package dev.tritium.tokenizer;

/** One message of a conversation, such as role {@code user}. */
public record ChatMessage(String role, String content) {}
