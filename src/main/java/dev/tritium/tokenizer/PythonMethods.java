package dev.tritium.tokenizer;

import com.hubspot.jinjava.lib.exptest.ExpTest;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.lib.fn.MacroFunction;
import com.hubspot.jinjava.objects.PyWrapper;
import com.hubspot.jinjava.util.ForLoop;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;
import jinjava.javax.el.MethodNotFoundException;
import org.jspecify.annotations.Nullable;

/**
 * What a template may reach: the methods that Python has for strings, lists and dictionaries, and
 * nothing of Java. It stands before jinjava's own resolvers, which would call any public method.
 */
final class PythonMethods extends ELResolver {
  private static final Pattern INDEX = Pattern.compile("-?\\d{1,9}");
  private static final Set<String> OF_CONTAINERS =
      Set.of(
          "get", "items", "keys", "values", "update", "append", "extend", "insert", "pop", "index",
          "count", "copy", "reverse");

  @Override
  public @Nullable Object invoke(
      ELContext context,
      Object base,
      Object method,
      Class<?> @Nullable [] types,
      Object @Nullable [] arguments) {
    String name = String.valueOf(method);
    boolean known =
        base instanceof PyWrapper
            ? OF_CONTAINERS.contains(name)
            : base instanceof Filter || base instanceof ExpTest || base instanceof MacroFunction;
    if (known) {
      return null; // unresolved: jinjava goes on
    }
    if (!(base instanceof String text)) {
      throw new MethodNotFoundException("no method '%s' here".formatted(name));
    }
    Object result = call(text, name, arguments == null ? new Object[0] : arguments);
    context.setPropertyResolved(true);
    return result;
  }

  private static Object call(String text, String name, Object[] arguments) {
    return switch (name) {
      case "strip" -> strip(text, true, true, arguments);
      case "lstrip" -> strip(text, true, false, arguments);
      case "rstrip" -> strip(text, false, true, arguments);
      case "startswith" -> options(arguments).stream().anyMatch(text::startsWith);
      case "endswith" -> options(arguments).stream().anyMatch(text::endsWith);
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "capitalize" -> capitalized(text);
      case "title" -> title(text);
      case "split" -> split(text, arguments);
      case "splitlines" -> text.lines().toList();
      case "replace" -> text.replace(string(arguments, 0), string(arguments, 1));
      case "find" -> (long) text.indexOf(string(arguments, 0));
      case "join" -> String.join(text, options(arguments));
      default -> throw new MethodNotFoundException("a string has no method '%s'".formatted(name));
    };
  }

  /** str.strip(): white space as Python sees it, or any of the characters given. */
  static String strip(String text, boolean left, boolean right, Object... characters) {
    String set = characters.length == 0 ? null : String.valueOf(characters[0]);
    int from = 0;
    int to = text.length();
    while (left && from < to && isStripped(text.charAt(from), set)) {
      from++;
    }
    while (right && from < to && isStripped(text.charAt(to - 1), set)) {
      to--;
    }
    return text.substring(from, to);
  }

  private static boolean isStripped(char c, @Nullable String set) {
    return set == null
        ? Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085'
        : set.indexOf(c) >= 0;
  }

  private static String capitalized(String text) {
    return text.isEmpty()
        ? text
        : text.substring(0, 1).toUpperCase(Locale.ROOT)
            + text.substring(1).toLowerCase(Locale.ROOT);
  }

  private static String title(String text) {
    StringBuilder title = new StringBuilder(text.length());
    boolean inWord = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      title.append(inWord ? Character.toLowerCase(c) : Character.toUpperCase(c));
      inWord = Character.isLetter(c);
    }
    return title.toString();
  }

  private static List<Object> split(String text, Object[] arguments) {
    if (arguments.length == 0) {
      String words = strip(text, true, true);
      return words.isEmpty() ? List.of() : new ArrayList<>(Arrays.asList(words.split("\\s+")));
    }
    String separator = string(arguments, 0);
    if (separator.isEmpty()) {
      throw new IllegalArgumentException("split: empty separator");
    }
    int most = arguments.length > 1 ? ((Number) arguments[1]).intValue() : -1;
    List<Object> parts = new ArrayList<>();
    int from = 0;
    for (int at; (at = text.indexOf(separator, from)) >= 0 && parts.size() != most; ) {
      parts.add(text.substring(from, at));
      from = at + separator.length();
    }
    parts.add(text.substring(from));
    return parts;
  }

  private static String string(Object[] arguments, int i) {
    if (i >= arguments.length || !(arguments[i] instanceof String text)) {
      throw new IllegalArgumentException("argument %d is not a string".formatted(i + 1));
    }
    return text;
  }

  /** A string, or any of a tuple of strings. */
  private static List<String> options(Object[] arguments) {
    if (arguments.length == 1 && arguments[0] instanceof Iterable<?> many) {
      List<String> texts = new ArrayList<>();
      many.forEach(one -> texts.add(String.valueOf(one)));
      return texts;
    }
    return List.of(string(arguments, 0));
  }

  @Override
  public @Nullable Object getValue(
      ELContext context, @Nullable Object base, @Nullable Object property) {
    boolean isList = base instanceof List || base instanceof Object[];
    boolean plain =
        base == null
            || base instanceof Map
            || base instanceof ForLoop
            || (isList && INDEX.matcher(String.valueOf(property)).matches());
    if (plain) {
      return null; // unresolved: jinjava goes on
    }
    context.setPropertyResolved(true); // no Java properties: undefined, as in Python
    return base instanceof String text ? characterAt(text, String.valueOf(property)) : null;
  }

  private static @Nullable String characterAt(String text, String index) {
    if (!INDEX.matcher(index).matches()) {
      return null;
    }
    int i = Integer.parseInt(index);
    int at = i < 0 ? i + text.length() : i;
    return at >= 0 && at < text.length() ? text.substring(at, at + 1) : null;
  }

  @Override
  public @Nullable Class<?> getType(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public void setValue(ELContext context, Object base, Object property, Object value) {}

  @Override
  public boolean isReadOnly(ELContext context, Object base, Object property) {
    return true;
  }

  @Override
  public Class<?> getCommonPropertyType(ELContext context, Object base) {
    return Object.class;
  }

  @Override
  @SuppressWarnings("NullAway") // the interface allows null: nothing to describe
  public java.util.@Nullable Iterator<java.beans.FeatureDescriptor> getFeatureDescriptors(
      ELContext context, Object base) {
    return null;
  }
}
