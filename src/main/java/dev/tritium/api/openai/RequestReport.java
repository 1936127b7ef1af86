package dev.tritium.api.openai;

/**
 * An HTTP exchange that has ended.
 *
 * @param id the request id that its answer carried
 * @param client the address it came from
 * @param path as it was sent, without the query
 * @param status 0 if the client left before there was one
 * @param nanos from the request's head to the end of its answer
 * @param notes what is known of its content
 */
public record RequestReport(
    String id,
    String client,
    String method,
    String path,
    Endpoint endpoint,
    int status,
    Outcome outcome,
    long nanos,
    RequestNotes notes) {}
