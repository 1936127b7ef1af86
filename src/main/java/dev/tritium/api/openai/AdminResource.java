package dev.tritium.api.openai;

import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.Optional;

/**
 * {@code POST /admin/models} and {@code DELETE /admin/models/{id}}; who may come here is decided
 * before.
 */
@Path("/admin/models")
@Blocking
public class AdminResource {
  private final ModelAdmin admin;

  AdminResource(ModelAdmin admin) {
    this.admin = admin;
  }

  /** Begins to load a model. */
  @POST
  @Consumes(MediaType.APPLICATION_JSON)
  public Response load(byte[] bytes) {
    RequestBody body = RequestBody.read(bytes, Parameters.LOAD);
    String model = body.text("model");
    if (model == null) {
      throw ApiException.invalid("model", "'model' is missing");
    }
    return accepted(admin.load(Optional.ofNullable(body.text("name")), model));
  }

  /** Begins to unload a model. */
  @DELETE
  @Path("/{id: .+}")
  public Response unload(@PathParam("id") String id) {
    return accepted(admin.unload(id));
  }

  private static Response accepted(ModelReport report) {
    return Response.accepted(report.json().toString())
        .type(MediaType.APPLICATION_JSON_TYPE)
        .build();
  }
}
