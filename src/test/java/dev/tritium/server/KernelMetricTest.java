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
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

@QuarkusTest
@SuppressWarnings("NullAway.Init") // injected
class KernelMetricTest {
  private static final Map<String, Integer> WIDTHS = Map.of("t9", 512, "t2", 256, "scalar", 0);

  @TestHTTPResource("/")
  URI uri;

  @Test
  void theMetricsSayWhichKernelRuns() throws IOException {
    Set<String> expected =
        ExpectedKernels.names().stream()
            .map(
                name ->
                    "llm_kernel_info{impl=\"%s\",width=\"%d\"} 1.0"
                        .formatted(name, WIDTHS.get(name)))
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
