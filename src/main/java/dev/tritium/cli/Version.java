package dev.tritium.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** The version that Maven wrote into version.properties. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() throws IOException {
    Properties properties = new Properties();
    try (InputStream in =
        Objects.requireNonNull(Version.class.getResourceAsStream("version.properties"))) {
      properties.load(in);
    }
    return new String[] {
      "tritium " + properties.getProperty("version"), "Java " + Runtime.version()
    };
  }
}
