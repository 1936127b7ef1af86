package dev.tritium.cli;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Takes options that are not given from {@code tritium.*} properties or TRITIUM_* variables. */
final class Settings implements IDefaultValueProvider {
  /** The option that may be given more than once; its property has commas. */
  static final String MODEL = "--model";

  @Override
  public @Nullable String defaultValue(ArgSpec argument) {
    if (!(argument instanceof OptionSpec option) || option.usageHelp() || option.versionHelp()) {
      return null;
    }
    // Models are read by those who need them: one value is a list of several.
    return option.longestName().equals(MODEL) ? null : value(property(option));
  }

  /** A property's value, or that of its variable: TRITIUM_MODEL for {@code tritium.model}. */
  static @Nullable String value(String property) {
    String value = System.getProperty(property);
    return value != null
        ? value
        : System.getenv(property.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]", "_"));
  }

  /** The property an option stands for: {@code tritium.max-tokens} for {@code --max-tokens}. */
  static String property(OptionSpec option) {
    return "tritium." + option.longestName().substring("--".length());
  }
}
