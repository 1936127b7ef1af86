package dev.tritium.api.openai;

import jakarta.ws.rs.NotAllowedException;
import jakarta.ws.rs.NotFoundException;
import jakarta.ws.rs.NotSupportedException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** The one place that turns failures into OpenAI's error JSON. */
public class ErrorMappers {
  private static final System.Logger LOG = System.getLogger(ErrorMappers.class.getName());

  private final Connections connections;

  ErrorMappers(Connections connections) {
    this.connections = connections;
  }

  @ServerExceptionMapper
  Response notFound(NotFoundException e, UriInfo uri) {
    return response(
        new ApiException(
            ErrorKind.NOT_FOUND, null, "there is no %s here".formatted(uri.getPath())));
  }

  @ServerExceptionMapper
  Response notAllowed(NotAllowedException e, UriInfo uri) {
    String path = uri.getPath();
    Response response =
        response(
            new ApiException(
                ErrorKind.METHOD_NOT_ALLOWED,
                null,
                "%s does not take this method".formatted(path)));
    response.getHeaders().putSingle(HttpHeaders.ALLOW, allowed(path) + ", OPTIONS");
    return response;
  }

  /** The exception does not say it. */
  private static String allowed(String path) {
    return switch (Endpoint.of(path)) {
      case MODELS -> "GET, HEAD";
      case ADMIN -> path.equals("/admin/models") ? "POST" : "DELETE";
      default -> "POST";
    };
  }

  @ServerExceptionMapper
  Response notSupported(NotSupportedException e) {
    return response(
        new ApiException(
            ErrorKind.UNSUPPORTED_MEDIA_TYPE,
            null,
            "the body must be JSON with the header Content-Type: application/json"));
  }

  @ServerExceptionMapper
  Response other(WebApplicationException e) {
    int status = e.getResponse().getStatus();
    if (status >= 500) {
      return failed(e);
    }
    Client.current(connections).notes().failed(ErrorKind.INVALID_REQUEST);
    return json(
        status, ErrorBody.of(ErrorKind.INVALID_REQUEST, null, String.valueOf(e.getMessage())));
  }

  @ServerExceptionMapper
  Response failed(Throwable e) {
    ApiException answer = ApiException.of(e);
    if (answer.kind() == ErrorKind.INTERNAL) { // a client that left amid its body is no error
      boolean left = Client.current(connections).hasLeft();
      LOG.log(left ? System.Logger.Level.DEBUG : System.Logger.Level.ERROR, "a request failed", e);
    }
    return response(answer);
  }

  private Response response(ApiException e) {
    Client.current(connections).notes().failed(e.kind());
    Response response = json(e.kind().status(), ErrorBody.of(e));
    ErrorBody.headers(e).forEach(response.getHeaders()::putSingle);
    return response;
  }

  private static Response json(int status, String body) {
    return Response.status(status).type(MediaType.APPLICATION_JSON_TYPE).entity(body).build();
  }
}
