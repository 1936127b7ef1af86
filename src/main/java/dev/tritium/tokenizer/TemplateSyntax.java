package dev.tritium.tokenizer;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.el.ExtendedSyntaxBuilder;
import com.hubspot.jinjava.el.ext.ExtendedParser;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.interpret.TemplateSyntaxException;
import com.hubspot.jinjava.tree.ExpressionNode;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import com.hubspot.jinjava.tree.parse.ExpressionToken;
import java.util.Optional;
import jinjava.de.odysseus.el.tree.IdentifierNode;
import jinjava.de.odysseus.el.tree.Tree;
import jinjava.de.odysseus.el.tree.TreeBuilderException;
import jinjava.de.odysseus.el.tree.impl.Builder;
import org.jspecify.annotations.Nullable;

/**
 * Finds syntax errors without rendering: jinjava itself sees those in expressions only when it
 * reaches them, and its validation mode fails on loops over unknown variables.
 */
final class TemplateSyntax {
  private static final Builder EXPRESSIONS =
      new ExtendedSyntaxBuilder(Builder.Feature.METHOD_INVOCATIONS);

  private static final String FILTER = ExtendedParser.FILTER_PREFIX;
  private static final String TEST = ExtendedParser.EXPTEST_PREFIX;

  private static final int MAX_BRACKETS = 100;
  private static final int MAX_CHARS = 1 << 20;

  private TemplateSyntax() {}

  /**
   * Parses the template and every expression in it.
   *
   * @throws ChatTemplateException naming the line
   */
  static void check(Jinjava jinjava, String source) {
    if (source.length() > MAX_CHARS) {
      throw new ChatTemplateException(
          "the chat template has %d characters, more than %d"
              .formatted(source.length(), MAX_CHARS));
    }
    JinjavaInterpreter interpreter = jinjava.newInterpreter();
    try {
      Node root = interpreter.parse(source);
      if (!interpreter.getErrors().isEmpty()) {
        throw broken(interpreter.getErrors().getFirst());
      }
      check(root, interpreter.getContext());
    } catch (TemplateSyntaxException e) {
      throw broken(e.getLineNumber(), e.getMessage(), e);
    }
  }

  static ChatTemplateException broken(TemplateError error) {
    return broken(error.getLineno(), error.getMessage(), error.getException());
  }

  private static ChatTemplateException broken(
      int line, @Nullable String message, @Nullable Exception cause) {
    return new ChatTemplateException(
        "the chat template is broken%s: %s"
            .formatted(line > 0 ? " near line " + line : "", message),
        cause);
  }

  private static void check(Node node, Context context) {
    if (node instanceof TagNode || node instanceof ExpressionNode) {
      requireShallow(node);
    }
    expression(node).ifPresent(expression -> check(expression, node, context));
    if (node instanceof TagNode loop && loop.getName().equals("for")) {
      requirePlainLoop(loop);
    }
    node.getChildren().forEach(child -> check(child, context));
  }

  /** jinjava's parser takes cubic time in the depth of brackets: minutes for a broken file. */
  private static void requireShallow(Node node) {
    String text = node.getMaster().getImage();
    int depth = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
      if (depth > MAX_BRACKETS) {
        throw broken(node.getLineNumber(), "it nests too deeply", null);
      }
    }
  }

  private static void check(String expression, Node node, Context context) {
    Tree tree;
    try {
      tree = EXPRESSIONS.build("#{" + expression + "}");
    } catch (TreeBuilderException e) {
      String message =
          "%s: expected %s, found %s"
              .formatted(expression.strip(), e.getExpected(), e.getEncountered());
      throw broken(node.getLineNumber(), message, e);
    }
    for (IdentifierNode identifier : tree.getIdentifierNodes()) { // jinjava renders nothing there
      String name = identifier.getName();
      if (name.startsWith(FILTER) && context.getFilter(name.substring(FILTER.length())) == null) {
        throw broken(node.getLineNumber(), "unknown " + name, null);
      }
      if (name.startsWith(TEST) && context.getExpTest(name.substring(TEST.length())) == null) {
        throw broken(node.getLineNumber(), "unknown test:" + name.substring(TEST.length()), null);
      }
    }
  }

  /** jinjava runs the body of {@code for ... if ...} for all and {@code else} every time. */
  private static void requirePlainLoop(TagNode loop) {
    String text = loop.getHelpers();
    if (text.matches("(?s).*\\sif\\s.*") && !text.matches("(?s).*\\selse\\s.*")) {
      throw broken(loop.getLineNumber(), "'for ... in ... if ...' is not supported", null);
    }
    if (loop.getChildren().stream().anyMatch(child -> child.getName().equals("else"))) {
      throw broken(loop.getLineNumber(), "'else' of a 'for' is not supported", null);
    }
  }

  private static Optional<String> expression(Node node) {
    if (node instanceof ExpressionNode && node.getMaster() instanceof ExpressionToken token) {
      return Optional.of(token.getExpr());
    }
    if (!(node instanceof TagNode tag)) {
      return Optional.empty();
    }
    String text = tag.getHelpers();
    return switch (tag.getName()) {
      case "if", "elif", "unless" -> Optional.of(text);
      case "do", "print" -> text.isBlank() ? Optional.empty() : Optional.of(text);
      case "for" -> Optional.of(text.replaceFirst("(?s)^.*?\\sin\\s", ""));
      case "set" ->
          text.contains("=")
              ? Optional.of("[" + text.substring(text.indexOf('=') + 1) + "]")
              : Optional.empty();
      default -> Optional.empty();
    };
  }
}
