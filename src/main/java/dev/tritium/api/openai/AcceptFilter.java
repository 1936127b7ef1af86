package dev.tritium.api.openai;

import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.HttpHeaders;
import org.jboss.resteasy.reactive.server.ServerRequestFilter;

/**
 * Lets the body's {@code stream} alone decide between JSON and events: official clients ask for
 * JSON whatever they want, and would get 406 (docs/adr/0004).
 */
public class AcceptFilter {
  @ServerRequestFilter(preMatching = true)
  void acceptEverything(ContainerRequestContext request) {
    request.getHeaders().putSingle(HttpHeaders.ACCEPT, "*/*");
  }
}
