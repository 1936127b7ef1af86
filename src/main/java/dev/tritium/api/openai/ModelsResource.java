package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;

/** {@code GET /v1/models} and {@code GET /v1/models/{id}}; ids may hold slashes. */
@Path("/v1/models")
@Produces(MediaType.APPLICATION_JSON)
public class ModelsResource {
  private final Models models;

  ModelsResource(Models models) {
    this.models = models;
  }

  /** Every model, whatever its status. */
  @GET
  public String list() {
    ObjectNode json = Json.object().put("object", "list");
    ArrayNode data = json.putArray("data");
    models.all().forEach(model -> data.add(model.json()));
    return json.toString();
  }

  /** One model. */
  @GET
  @Path("/{id: .+}")
  public String get(@PathParam("id") String id) {
    return models.report(id).json().toString();
  }
}
