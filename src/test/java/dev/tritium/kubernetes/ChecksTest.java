package dev.tritium.kubernetes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** That what holds manifests against a cluster's rules finds what breaks them. */
class ChecksTest {
  private static final String ALL =
      """
      apiKeys: {secret: keys}
      httpRoute: {enabled: true, parentRefs: [{name: gateway}]}
      autoscaling: {kind: keda, prometheus: 'http://prometheus:9090'}
      metrics: {open: true, serviceMonitor: {enabled: true}, rules: {enabled: true}}
      """;

  /** Puts JSON (null: nothing) at a place of the object of a kind; the message must hold a text. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Deployment | /spec/replica | 2 | replica",
        "Deployment | /spec/template/spec/containers/0/port | [] | port",
        "Deployment | /spec/template/spec/containers/0/env/0/value | 8080 | /env/0/value is 8080",
        "Deployment | /spec/template/spec/containers/0/name | null | name",
        "Deployment | /spec/selector | null | selector",
        "Deployment | /spec/template/spec/terminationGracePeriodSeconds | \"40\" | Seconds",
        "Deployment | /metadata/labels/number | 1 | number",
        "Deployment | /kind | \"ReplicationController\" | no schema",
        "Deployment | /apiVersion | \"apps/v1beta1\" | no schema",
        "Service | /spec/ports/0/port | \"http\" | http",
        "Service | /spec/port | [] | port",
        "ServiceMonitor | /spec/endpoints/0/pth | \"/metrics\" | pth",
        "ServiceMonitor | /spec/selector | null | selector",
        "ServiceMonitor | /metadata/label | {} | label",
        "ScaledObject | /spec/maxReplicaCount | \"4\" | maxReplicaCount",
        "ScaledObject | /spec/triggers/0/typ | \"cpu\" | typ",
        "HTTPRoute | /spec/rules/0/backendRefs/0/prt | 80 | prt",
        "HTTPRoute | /spec/rules/0/timeouts/request | \"long\" | request",
        "PrometheusRule | /spec/groups/0/rules/0/expr | true | expr",
      })
  void aClusterWouldRefuse(String kind, String pointer, String value, String message) {
    List<String> problems = new ArrayList<>();
    for (Manifest manifest : changed(kind, pointer, value)) {
      problems.addAll(new ApiSchemas().problemsOf(manifest));
    }
    assertTrue(problems.toString().contains(message), problems::toString);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Service | /metadata/name | \"other\" | leads nowhere",
        "Service | /spec/selector | {\"a\": \"b\"} | Service llm-tritium selects 0",
        "Service | /spec/ports/0/targetPort | \"grpc\" | no container has the port grpc",
        "Service | /spec/ports/0/port | 9 | a port that is not there",
        "ServiceMonitor | /spec/selector/matchLabels | {\"a\": \"b\"} | selects 0",
        "NetworkPolicy | /spec/podSelector/matchLabels | {} | selects 2",
        "ScaledObject | /spec/scaleTargetRef/name | \"other\" | scales nothing",
        "Deployment | /spec/replicas | 2 | sets replicas",
        "Deployment | /metadata/labels/a | \"b c\" | has the label",
        "Deployment | /spec/template/spec/terminationGracePeriodSeconds | 30 | has 30 s to end",
        "Deployment | /spec/template/spec/volumes/0/name | \"other\" | and mounts",
        "Deployment | /spec/template/spec/volumes/0/hostPath | {\"path\": \"/\"} | has the volume",
        "Deployment | /spec/template/spec/hostNetwork | true | hostNetwork",
        "Deployment | /spec/template/spec/securityContext/runAsNonRoot | false | as root",
        "Deployment | /spec/template/spec/securityContext/runAsUser | 0 | as root",
        "Deployment | /spec/template/spec/securityContext/seccompProfile | null | seccomp",
        "Deployment | /spec/template/spec/automountServiceAccountToken | null | token",
        "Deployment | /spec/template/spec/containers/0/securityContext/privileged | true | privil",
        "Deployment | /spec/template/spec/containers/0/securityContext/capabilities | null | capab",
        "Deployment | /spec/template/spec/containers/0/resources/limits | null | memory",
        "Deployment | /spec/template/spec/containers/0/livenessProbe | null | no /livenessProbe",
        "Deployment | /spec/template/spec/containers/0/ports/0/name | \"x\" | no port for",
        "Deployment | /spec/template/spec/containers/0/lifecycle | null | to end",
        "Deployment | /spec/template/spec/containers/0/env/0/name | \"TRITIUM_PORT\" | sets twice",
        "Pod | /metadata/name | \"Upper\" | no valid name",
      })
  void aRuleIsBroken(String kind, String pointer, String value, String message) {
    List<String> problems = ClusterRules.brokenBy(changed(kind, pointer, value));
    assertTrue(problems.toString().contains(message), problems::toString);
  }

  @Test
  void twiceTheSameIsFound() {
    List<Manifest> all = new ArrayList<>(Chart.render(ALL));
    assertEquals(List.of(), ClusterRules.brokenBy(all));
    all.add(Chart.one(all, "ServiceAccount"));
    assertEquals(List.of("ServiceAccount llm-tritium is there twice"), ClusterRules.brokenBy(all));
  }

  private static List<Manifest> changed(String kind, String pointer, String value) {
    List<Manifest> all = Chart.render(ALL);
    int cut = pointer.lastIndexOf('/');
    JsonNode parent = Chart.one(all, kind).at(pointer.substring(0, cut));
    String field = pointer.substring(cut + 1);
    if (value.equals("null")) {
      ((ObjectNode) parent).remove(field);
    } else {
      ((ObjectNode) parent).set(field, Chart.yaml(value));
    }
    return all;
  }
}
