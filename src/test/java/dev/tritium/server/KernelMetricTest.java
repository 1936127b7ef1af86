package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Api;
import dev.tritium.testing.ExpectedKernels;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

@QuarkusTest
@SuppressWarnings("NullAway.Init") // injected
class KernelMetricTest {
  @TestHTTPResource("/")
  URI uri;

  @Test
  void theMetricsSayWhichKernelRuns() throws IOException {
    Set<String> expected =
        ExpectedKernels.names().stream()
            .flatMap(
                name ->
                    (name.equals("t9") ? Stream.of(512) : Stream.of(256, 128))
                        .map(
                            width ->
                                "llm_kernel_info{impl=\"%s\",width=\"%d\"} 1.0"
                                    .formatted(name, width)))
            .collect(Collectors.toSet());
    List<String> found =
        Api.ready(uri)
            .get("/q/metrics")
            .body()
            .lines()
            .filter(line -> line.startsWith("llm_kernel_info"))
            .toList();
    assertEquals(1, found.size(), found::toString);
    assertTrue(expected.contains(found.getFirst()), found + ", expected one of " + expected);
  }
}
