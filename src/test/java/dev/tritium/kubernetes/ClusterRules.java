package dev.tritium.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What no schema says of objects that are installed together: that names lead somewhere, that pods
 * keep the restricted Pod Security Standard, that a pod's time to end holds its server's.
 */
final class ClusterRules {
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  private static final Pattern LABEL_VALUE =
      Pattern.compile("([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?");
  private static final Set<String> RESTRICTED_VOLUMES =
      Set.of(
          "configMap",
          "csi",
          "downwardAPI",
          "emptyDir",
          "ephemeral",
          "persistentVolumeClaim",
          "projected",
          "secret");
  private static final List<String> PROBES =
      List.of("/startupProbe", "/readinessProbe", "/livenessProbe");
  private static final int END_SECONDS = 5; // of the server, after its answers

  private final List<Manifest> all;
  private final List<String> problems = new ArrayList<>();

  private ClusterRules(List<Manifest> all) {
    this.all = all;
  }

  /** Which rules the objects of one installation break; empty: none. */
  static List<String> brokenBy(List<Manifest> all) {
    ClusterRules rules = new ClusterRules(all);
    Set<String> seen = new HashSet<>();
    for (Manifest manifest : all) {
      rules.require(seen.add(manifest.toString()), manifest + " is there twice");
      rules.require(NAME.matcher(manifest.name()).matches(), manifest + " has no valid name");
      rules.labels(manifest, manifest.at("/metadata/labels"));
      rules.selectors(manifest);
      rules.references(manifest);
      manifest.pod().forEach(pod -> rules.pod(manifest, pod));
      if (manifest.kind().equals("ServingRuntime")) { // part of a pod that KServe completes
        for (JsonNode container : manifest.at("/spec/containers")) {
          rules.container(manifest.toString(), container);
        }
      }
    }
    return rules.problems;
  }

  private void require(boolean holds, String problem) {
    if (!holds) {
      problems.add(problem);
    }
  }

  private void labels(Manifest manifest, JsonNode labels) {
    labels
        .properties()
        .forEach(
            label ->
                require(
                    LABEL_VALUE.matcher(label.getValue().asText()).matches(),
                    manifest + " has the label " + label));
  }

  private Stream<JsonNode> pods() {
    return all.stream().flatMap(Manifest::pod);
  }

  /** Who selects pods or Services finds exactly one of ours. */
  private void selectors(Manifest manifest) {
    JsonNode selector =
        switch (manifest.kind()) {
          case "Service" -> manifest.at("/spec/selector");
          case "NetworkPolicy" -> manifest.at("/spec/podSelector/matchLabels");
          case "Deployment",
              "InferencePool",
              "PodDisruptionBudget",
              "ServiceMonitor",
              "StatefulSet" ->
              manifest.at("/spec/selector/matchLabels");
          default -> null;
        };
    if (selector == null) {
      return;
    }
    Stream<JsonNode> candidates =
        manifest.kind().equals("ServiceMonitor")
            ? all.stream().filter(m -> m.kind().equals("Service")).map(Manifest::json)
            : pods();
    long found = candidates.filter(c -> has(c.at("/metadata/labels"), selector)).count();
    require(found == 1 && !selector.isEmpty(), manifest + " selects " + found + " by " + selector);
  }

  private static boolean has(JsonNode labels, JsonNode selector) {
    return selector.propertyStream().allMatch(s -> s.getValue().equals(labels.get(s.getKey())));
  }

  private Optional<Manifest> find(String kind, String name) {
    return all.stream().filter(m -> m.toString().equals(kind + " " + name)).findFirst();
  }

  private void references(Manifest manifest) {
    JsonNode target = manifest.at("/spec/scaleTargetRef");
    if (target.isObject()) {
      Optional<Manifest> scaled = find(target.path("kind").asText(), target.path("name").asText());
      require(scaled.isPresent(), manifest + " scales nothing: " + target);
      scaled.ifPresent(
          s ->
              require(
                  s.at("/spec/replicas").isMissingNode(),
                  s + " sets replicas, which " + manifest + " changes"));
    }
    for (JsonNode rule : manifest.at("/spec/rules")) {
      for (JsonNode backend : rule.path("backendRefs")) {
        String kind = backend.path("kind").asText("Service");
        Optional<Manifest> found = find(kind, backend.path("name").asText());
        require(found.isPresent(), manifest + " leads nowhere: " + backend);
        require(
            found.isEmpty()
                || !kind.equals("Service")
                || found
                    .get()
                    .at("/spec/ports")
                    .valueStream()
                    .anyMatch(port -> port.path("port").equals(backend.get("port"))),
            manifest + " leads to a port that is not there: " + backend);
      }
    }
    if (manifest.kind().equals("Service")) {
      for (JsonNode port : manifest.at("/spec/ports")) {
        String wanted = port.path("targetPort").asText();
        require(
            pods()
                .flatMap(pod -> pod.at("/spec/containers").valueStream())
                .flatMap(container -> container.path("ports").valueStream())
                .anyMatch(p -> p.path("name").asText().equals(wanted)),
            manifest + ": no container has the port " + wanted);
      }
    }
    if (manifest.kind().equals("StatefulSet")) {
      String name = manifest.at("/spec/serviceName").asText();
      require(find("Service", name).isPresent(), manifest + ": there is no Service " + name);
    }
  }

  private void pod(Manifest manifest, JsonNode pod) {
    labels(manifest, pod.at("/metadata/labels"));
    JsonNode spec = pod.get("spec");
    require(
        spec.path("automountServiceAccountToken").asText().equals("false")
            || hasRole(spec.path("serviceAccountName")),
        manifest + " mounts a token for the cluster's API and has no role there");
    JsonNode security = spec.path("securityContext");
    require(security.path("runAsNonRoot").asBoolean(), manifest + " may run as root");
    require(security.path("runAsUser").asInt(1) != 0, manifest + " runs as root");
    require(
        security.at("/seccompProfile/type").asText().equals("RuntimeDefault"),
        manifest + " has no seccomp profile");
    for (String host : List.of("hostNetwork", "hostPID", "hostIPC")) {
      require(!spec.path(host).asBoolean(), manifest + " uses " + host);
    }
    Set<String> volumes = new TreeSet<>();
    for (JsonNode volume : spec.path("volumes")) {
      String name = volume.get("name").asText();
      require(volumes.add(name), manifest + " has the volume " + name + " twice");
      // Energy counters are the one thing on the host that pods may see, and only to read.
      require(
          volume.properties().stream()
                  .map(Map.Entry::getKey)
                  .filter(key -> !key.equals("name"))
                  .allMatch(RESTRICTED_VOLUMES::contains)
              || name.equals("powercap"),
          manifest + " has the volume " + volume);
    }
    manifest
        .at("/spec/volumeClaimTemplates")
        .valueStream()
        .forEach(claim -> require(volumes.add(claim.at("/metadata/name").asText()), "twice"));
    Set<String> mounted = new TreeSet<>();
    Stream.concat(spec.path("containers").valueStream(), spec.path("initContainers").valueStream())
        .forEach(
            container -> {
              container(manifest + " " + container.path("name").asText(), container);
              container.path("volumeMounts").findValuesAsText("name").forEach(mounted::add);
              for (JsonNode mount : container.path("volumeMounts")) {
                require(
                    !mount.path("name").asText().equals("powercap")
                        || mount.path("readOnly").asBoolean(),
                    manifest + " may write " + mount);
              }
            });
    require(volumes.equals(mounted), manifest + " has " + volumes + " and mounts " + mounted);
    for (JsonNode container : spec.path("containers")) {
      drain(manifest, spec, container);
    }
  }

  private boolean hasRole(JsonNode serviceAccount) {
    return all.stream()
        .filter(manifest -> manifest.kind().equals("RoleBinding"))
        .anyMatch(binding -> binding.at("/subjects/0/name").equals(serviceAccount));
  }

  private void container(String where, JsonNode container) {
    JsonNode security = container.path("securityContext");
    require(
        security.path("allowPrivilegeEscalation").asText().equals("false"),
        where + " may gain privileges");
    require(security.path("readOnlyRootFilesystem").asBoolean(), where + " may write to its image");
    require(
        security.at("/capabilities/drop").toString().equals("[\"ALL\"]")
            && security.at("/capabilities/add").isMissingNode(),
        where + " has capabilities");
    require(!security.path("privileged").asBoolean(), where + " is privileged");
    require(
        container.at("/resources/limits/memory").isTextual(), where + " has no limit of memory");
    List<String> variables = container.path("env").findValuesAsText("name");
    require(
        new HashSet<>(variables).size() == variables.size(), where + " sets twice: " + variables);
    List<String> paths = container.path("volumeMounts").findValuesAsText("mountPath");
    require(new HashSet<>(paths).size() == paths.size(), where + " mounts twice: " + paths);
    Set<String> ports =
        container
            .path("ports")
            .valueStream()
            .map(port -> port.path("name").asText())
            .collect(Collectors.toSet());
    for (String probe : PROBES) {
      JsonNode port = container.at(probe + "/httpGet/port");
      require(
          port.isMissingNode() || ports.contains(port.asText()), where + ": no port for " + probe);
    }
  }

  /** A server has time to finish its answers, after its balancers had time to forget it. */
  private void drain(Manifest manifest, JsonNode spec, JsonNode container) {
    if (!container.path("name").asText().equals("tritium")) {
      return;
    }
    for (String probe : PROBES) {
      require(container.at(probe).isObject(), manifest + " has no " + probe);
    }
    int preStop = container.at("/lifecycle/preStop/sleep/seconds").asInt();
    String grace =
        container
            .path("env")
            .valueStream()
            .filter(variable -> variable.path("name").asText().equals("TRITIUM_SHUTDOWN_GRACE"))
            .map(variable -> variable.path("value").asText())
            .findFirst()
            .orElse("");
    int least = preStop + END_SECONDS + Integer.parseInt("0" + grace.replace("s", ""));
    int given = spec.path("terminationGracePeriodSeconds").asInt();
    require(
        preStop > 0 && grace.matches("[0-9]+s") && given >= least,
        "%s has %d s to end, of which preStop takes %d and answers '%s'"
            .formatted(manifest, given, preStop, grace));
  }
}
