package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;

/** {@code POST /tokenize} and {@code POST /detokenize}, in the shapes vLLM uses. */
@Path("/")
@Blocking
@Consumes(MediaType.APPLICATION_JSON)
@Produces(MediaType.APPLICATION_JSON)
public class TokenizeResource {
  private final Models models;
  private final Connections connections;

  TokenizeResource(Models models, Connections connections) {
    this.models = models;
    this.connections = connections;
  }

  /** The ids of a text, or of a conversation as the model's template writes it. */
  @POST
  @Path("/tokenize")
  public String tokenize(byte[] bytes) {
    RequestBody body = RequestBody.read(bytes, Parameters.TOKENIZE);
    ServedModel model = model(body);
    int[] ids = ids(body, model);
    ObjectNode json = Json.object().put("count", ids.length);
    ArrayNode tokens = json.putArray("tokens");
    for (int id : ids) {
      tokens.add(id);
    }
    return json.put("max_model_len", model.maxModelTokens()).toString();
  }

  private ServedModel model(RequestBody body) {
    ServedModel model = models.require(body.text("model"));
    Client.current(connections).notes().model(model.id());
    return model;
  }

  private static int[] ids(RequestBody body, ServedModel model) {
    String text = body.text("prompt");
    JsonNode messages = body.get("messages");
    if ((text == null) == (messages == null)) {
      throw ApiException.invalid("prompt", "send either 'prompt' or 'messages'");
    }
    if (messages != null) { // the template writes the special tokens
      String rendered = ChatRequest.render(messages, model);
      return Prompt.encode("messages", rendered, body.flag("add_special_tokens", false), model);
    }
    return Prompt.encode(
        "prompt", String.valueOf(text), body.flag("add_special_tokens", true), model);
  }

  /** The text of ids. */
  @POST
  @Path("/detokenize")
  public String detokenize(byte[] bytes) {
    RequestBody body = RequestBody.read(bytes, Parameters.DETOKENIZE);
    ServedModel model = model(body);
    JsonNode tokens = body.get("tokens");
    if (tokens == null) {
      throw ApiException.invalid("tokens", "'tokens' is missing");
    }
    int[] ids = TokenIds.read("tokens", tokens, model.vocabularySize());
    Prompt.requireFit("tokens", ids.length, model);
    return Json.object().put("prompt", model.tokenizer().decode(ids)).toString();
  }
}
