package dev.tritium.api.openai;

import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.MediaType;
import java.util.List;

/** {@code POST /v1/completions} and {@code POST /v1/chat/completions}. */
@Path("/v1")
@Blocking
@Consumes(MediaType.APPLICATION_JSON)
public class CompletionsResource {
  private final Models models;
  private final Connections connections;

  CompletionsResource(Models models, Connections connections) {
    this.models = models;
    this.connections = connections;
  }

  /** Continues one or more prompts; JSON, or events when {@code stream} is true. */
  @POST
  @Path("/completions")
  public void complete(byte[] body) {
    Client client = Client.current(connections);
    client.notes().body(body);
    CompletionRequest request = CompletionRequest.read(body, models);
    Answers.send(
        request.model(),
        request.sequences(),
        request.options().stream(),
        new CompletionFormat(request),
        client);
  }

  /** Answers a conversation; JSON, or events when {@code stream} is true. */
  @POST
  @Path("/chat/completions")
  public void chat(byte[] body) {
    Client client = Client.current(connections);
    client.notes().body(body);
    ChatRequest request = ChatRequest.read(body, models);
    Answers.send(
        request.model(),
        List.of(request.sequence()),
        request.options().stream(),
        new ChatFormat(request),
        client);
  }
}
